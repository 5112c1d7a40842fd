"""Deploying a vault with its custody from a file, and proving from the chain who rules it.

>>> from ballast import deployment
>>> deployment.load("deployments/mainnet.yaml").timelock.delay
172800
"""

from ballast.deployment.deploy import DeploymentResult, deploy, find
from ballast.deployment.file import DeploymentFile, load
from ballast.deployment.node import KeySender, Sender, UnlockedSender
from ballast.deployment.proof import Proof, prove
from ballast.deployment.safe import Call, Safe
from ballast.deployment.source import DeploymentFileError
from ballast.deployment.timelock import Operation, Timelock, describe

__all__ = [
    "Call",
    "DeploymentFile",
    "DeploymentFileError",
    "DeploymentResult",
    "KeySender",
    "Operation",
    "Proof",
    "Safe",
    "Sender",
    "Timelock",
    "UnlockedSender",
    "deploy",
    "describe",
    "find",
    "load",
    "prove",
]
