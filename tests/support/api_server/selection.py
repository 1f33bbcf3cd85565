"""Label and field selectors, as they stand in a request's query."""
import re

import status

TERM = re.compile(r"\s*(?:(?P<absent>!)\s*(?P<key>[^\s!=,()]+)"
                  r"|(?P<set>[^\s!=,()]+)\s+(?P<word>in|notin)\s*\((?P<values>[^)]*)\)"
                  r"|(?P<name>[^\s!=,()]+)\s*(?:(?P<test>==|=|!=)\s*(?P<value>[^\s!=,()]*))?)\s*(?:,|$)")


def terms(text):
    at = 0
    while at < len(text):
        match = TERM.match(text, at)
        if not match:
            raise status.bad_request(f"unable to parse requirement: found '{text[at:]}'")
        yield match
        at = match.end()


def label_test(match):
    """One requirement as a function of an object's labels."""
    if match["absent"]:
        return lambda labels: match["key"] not in labels
    if match["set"]:
        values = {each.strip() for each in match["values"].split(",")}
        wanted = match["word"] == "in"
        return lambda labels: (labels.get(match["set"]) in values) == wanted
    if not match["test"]:
        return lambda labels: match["name"] in labels
    wanted = match["test"] != "!="
    return lambda labels: (labels.get(match["name"]) == match["value"]) == wanted


def selector(label_text, field_text):
    """A function that tells whether a stored object is meant; None if every one is."""
    tests = [label_test(match) for match in terms(label_text)]
    fields = [(match["name"], match["test"], match["value"]) for match in terms(field_text)]
    for name, test, _ in fields:
        if name not in ("metadata.name", "metadata.namespace") or not test:
            raise status.bad_request(f'field label not supported: {name}')
    if not tests and not fields:
        return None

    def meant(stored):
        names = {"metadata.namespace": stored.key[0], "metadata.name": stored.key[1]}
        return all(test(stored.labels) for test in tests) and \
            all((names[name] == value) == (test != "!=") for name, test, value in fields)
    return meant
