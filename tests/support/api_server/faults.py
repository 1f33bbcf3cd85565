"""What goes wrong on purpose: a list of faults, each taken by the requests, answers or events that it is meant for."""
import asyncio
import dataclasses

import status

AT_ACCEPT = {"accept-hang", "accept-close"}
AT_REQUEST = {"status", "drop", "hang", "delay"}
IN_ANSWER = {"truncate", "stall"}
IN_STREAM = {"error", "end", "garbage", "duplicate", "reorder", "no-bookmarks"}
REASONS = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired",
           422: "Invalid", 429: "TooManyRequests", 500: "InternalError", 502: "InternalError",
           503: "ServiceUnavailable", 504: "Timeout"}


@dataclasses.dataclass
class Fault:
    """`count` is how often it happens; 0 is until it is cleared."""
    kind: str
    verb: str = "*"
    resource: str = "*"
    count: int = 1
    status: int = 500  # of status and error
    message: str = "injected fault"
    retry_after: int | None = None  # seconds
    after: int = 0  # bytes of the body, of truncate and stall
    clean: bool = False  # truncate: the answer ends as if that had been all
    seconds: float = 1.0  # delay
    happened: int = 0

    def meant_for(self, kinds, verb, resource):
        return self.kind in kinds and self.verb in ("*", verb) and self.resource in ("*", resource) and \
            (self.count == 0 or self.happened < self.count)


class Cut(Exception):
    """The connection is to be closed without another byte."""


class Faults:
    def __init__(self):
        self.known = []

    def add(self, description):
        fault = Fault(**description)
        if fault.kind not in AT_ACCEPT | AT_REQUEST | IN_ANSWER | IN_STREAM:
            raise ValueError(f"no such fault: {fault.kind}")
        self.known.append(fault)

    def take(self, kinds, verb="*", resource="*"):
        """The first fault that is meant; it has then happened once more."""
        for fault in self.known:
            if fault.meant_for(kinds, verb, resource):
                fault.happened += 1
                return fault
        return None

    async def at_request(self, verb, resource):
        fault = self.take(AT_REQUEST, verb, resource)
        if fault is None:
            return
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "hang":
            await asyncio.Event().wait()
        elif fault.kind == "drop":
            raise Cut
        else:
            raise refusal(fault)


def refusal(fault):
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return status.Refused(fault.status, REASONS.get(fault.status, "Unknown"), fault.message, headers=headers)


class Disturbance:
    """What happens to the events of one watch: sent twice, in the wrong order, or broken."""

    def __init__(self, faults, resource):
        self.faults, self.resource, self.held = faults, resource, None

    def __call__(self, lines):
        result = []
        for line in lines:
            if self.held is not None:
                result += [line, self.held]
                self.held = None
            elif self.faults.take({"reorder"}, "watch", self.resource):
                self.held = line
            elif self.faults.take({"duplicate"}, "watch", self.resource):
                result += [line, line]
            elif self.faults.take({"garbage"}, "watch", self.resource):
                result += [line[:len(line) // 2] + b"\n", line]
            else:
                result.append(line)
        return result
