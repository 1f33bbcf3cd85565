"""Who may do what: the rules of a Role or ClusterRole file, less what a test forbids."""
import yaml

USER = "system:serviceaccount:viaduct:viaduct"


def matches(wanted, value):
    return value in wanted or "*" in wanted


class Permissions:
    def __init__(self):
        self.granted = None  # rules; None allows everything
        self.forbidden = []  # pairs of verb and resource; * stands for all

    def load(self, path):
        """Grants what the roles in a file grant, and no more."""
        self.granted = self.granted or []
        with open(path, encoding="utf-8") as text:
            for document in yaml.safe_load_all(text):
                if document and document["kind"] in ("Role", "ClusterRole"):
                    inside = document["metadata"].get("namespace")
                    self.granted += [(inside, rule) for rule in document["rules"]]

    def allow(self, verb, resource, subresource, namespace, name):
        plural = f"{resource.plural}/{subresource}" if subresource else resource.plural
        if any(matches((each[0],), verb) and matches((each[1],), plural) for each in self.forbidden):
            return False
        return self.granted is None or any(
            inside in (None, namespace) and matches(rule["apiGroups"], resource.group) and
            matches(rule["resources"], plural) and matches(rule["verbs"], verb) and
            ("resourceNames" not in rule or name in rule["resourceNames"]) for inside, rule in self.granted)
