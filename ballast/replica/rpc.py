"""A thin JSON-RPC connection to anvil: what the builder needs, without the cost of a full client."""

import http.client
import itertools
import json
from typing import Any
from urllib.parse import urlsplit

from ballast.errors import ReplicaError


class RpcError(ReplicaError):
    """The node answered with an error."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        super().__init__(f"{method}: {error.get('message', error)}")
        self.data = error.get("data")


class Rpc:
    """One kept-alive connection to a node at `url`."""

    def __init__(self, url: str, *, timeout_seconds: float = 60.0) -> None:
        address = urlsplit(url)
        self.url = url
        self._connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout_seconds)
        self._ids = itertools.count(1)

    def __call__(self, method: str, *params: Any) -> Any:
        """Call `method`; raise RpcError when the node refuses, OSError when it cannot be reached."""
        body = json.dumps({"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params})
        try:
            self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
            answer = json.loads(self._connection.getresponse().read())
        except (http.client.HTTPException, ValueError) as error:
            self._connection.close()
            raise ConnectionError(f"{self.url} does not speak JSON-RPC: {error}") from error
        if "error" in answer:
            raise RpcError(method, answer["error"])
        return answer["result"]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
