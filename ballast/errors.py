"""The errors a person sees.

BallastError
├── ReplicaError      the local mainnet: building, starting, finding it
├── DeploymentError   a deployment file or a step of a deployment
├── KeeperError       reading or keeping regulated contracts
└── ConfigurationError  an option or environment variable
"""


class BallastError(Exception):
    """What is wrong and how to mend it, in one line."""

    exit_code = 1


class ReplicaError(BallastError):
    """The local mainnet cannot be built, started or found."""


class DeploymentError(BallastError, ValueError):
    """A deployment file is refused, or a step of a deployment cannot be done."""


class KeeperError(BallastError):
    """A regulated contract cannot be read or kept."""


class ConfigurationError(BallastError, ValueError):
    """An option or environment variable has a value that cannot be used."""
