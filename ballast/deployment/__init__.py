"""Deploying a vault with its custody from a file, and proving from the chain who rules it.

>>> from ballast import deployment
>>> deployment.load("deployments/mainnet.yaml").timelock.delay
172800
"""

from ballast.deployment.file import DeploymentFile, load
from ballast.deployment.source import DeploymentFileError

__all__ = ["DeploymentFile", "DeploymentFileError", "load"]
