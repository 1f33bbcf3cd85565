"""Refusals: the Status objects that an API server answers with instead of what was asked for."""
import json


class Refused(Exception):
    """An answer other than 2xx. `headers` go with it."""

    def __init__(self, code, reason, message, details=None, headers=None, metadata=None):
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message
        self.details, self.headers, self.metadata = details, headers or {}, metadata or {}

    @property
    def body(self):
        content = {"kind": "Status", "apiVersion": "v1", "metadata": self.metadata, "status": "Failure",
                   "message": self.message, "reason": self.reason, "details": self.details, "code": self.code}
        return json.dumps({key: value for key, value in content.items() if value is not None},
                          separators=(",", ":")).encode()


def unauthorized():
    return Refused(401, "Unauthorized", "Unauthorized")


def forbidden(user, verb, resource, subresource, namespace, name):
    plural = f"{resource.plural}/{subresource}" if subresource else resource.plural
    subject = f'{resource.plural} "{name}"' if name else resource.plural
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    group = resource.group
    return Refused(403, "Forbidden", f'{subject} is forbidden: User "{user}" cannot {verb} resource "{plural}" '
                   f'in API group "{group}" {where}', {"name": name, "kind": resource.plural} if name else
                   {"kind": resource.plural})


def not_found(resource, name):
    return Refused(404, "NotFound", f'{resource.plural} "{name}" not found', {"name": name, "kind": resource.plural})


def already_exists(resource, name):
    return Refused(409, "AlreadyExists", f'{resource.plural} "{name}" already exists',
                   {"name": name, "kind": resource.plural})


def conflict(resource, name):
    return Refused(409, "Conflict", f'Operation cannot be fulfilled on {resource.plural} "{name}": the object has been '
                   "modified; please apply your changes to the latest version and try again",
                   {"name": name, "kind": resource.plural})


def method_not_allowed():
    return Refused(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def unsupported(message):
    return Refused(415, "UnsupportedMediaType", message)


def bad_request(message):
    return Refused(400, "BadRequest", message)


def invalid(kind, message, field):
    return Refused(422, "Invalid", f'{kind} "" is invalid: {field}: {message}',
                   {"kind": kind, "causes": [{"reason": "FieldValueInvalid", "message": message, "field": field}]})


def list_expired(continuation=None):
    """A list from a version that was compacted away. For a chunk there is a token that goes on at the present state."""
    if continuation is None:
        return Refused(410, "Expired", "The resourceVersion for the provided list is too old.")
    return Refused(410, "Expired", "The provided continue parameter is too old to display a consistent list result. "
                   "The continue token in this answer goes on with an inconsistent list.",
                   metadata={"continue": continuation})


def watch_list_off():
    why = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
    refusal = Refused(422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: {why}')
    refusal.details = {"group": "meta.k8s.io", "kind": "ListOptions", "causes": [
        {"reason": "FieldValueForbidden", "message": f"Forbidden: {why}", "field": "sendInitialEvents"}]}
    return refusal
