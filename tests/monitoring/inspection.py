"""What the tests of monitoring look at: the rules and the dashboard of deploy/components/monitoring, as files and as a Prometheus
answers them. `inspection.py SUBJECT [ARGUMENT...]` prints what is wrong and fails, or prints nothing."""

import json
import pathlib
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COMPONENT = ROOT / "deploy/components/monitoring"
SEVERITIES = {"critical", "warning"}
# Refusals of pods and accounts that are gone: no agent gets over them, and none has to.
GONE = {"PodUnknown", "PodReplaced", "PodEnded", "AccountUnknown"}
# A ConfigMap that is applied is written twice, the second time into an annotation, which takes so much.
LARGEST_DASHBOARD = 256 * 1024
# What Prometheus makes itself. ALERTS is there only while an alert is.
NOT_OF_KENNEL = {"up", "ALERTS"}
WORDS = {"by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool", "offset", "inf", "nan"}


def spec():
    return yaml.safe_load((COMPONENT / "prometheusrule.yaml").read_text())["spec"]


def rules():
    return [rule for group in spec()["groups"] for rule in group["rules"]]


def dashboard():
    return json.loads((COMPONENT / "dashboard.json").read_text())


def panels():
    """All that show something, each with the row that it stands below."""
    row = None
    for panel in dashboard()["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
        else:
            yield row, panel


def expressions():
    """Every query, as Prometheus is to be asked it, and whose it is."""
    for rule in rules():
        yield f"alert {rule['alert']}", rule["expr"]
    for _, panel in panels():
        for target in panel["targets"]:
            yield f"panel {panel['title']}", filled(target["expr"])
    for annotation in dashboard()["annotations"]["list"]:
        if "expr" in annotation:
            yield f"annotation {annotation['name']}", filled(annotation["expr"])
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            series = re.fullmatch(r"label_values\((.*), \w+\)", variable["definition"])
            yield f"variable {variable['name']}", filled(series[1])


def filled(expression):
    for name, value in {"$__rate_interval": "1m", "$namespace": ".*", "$pod": ".*"}.items():
        expression = expression.replace(name, value)
    if "$" in expression:
        raise ValueError(f"a variable that Grafana does not know: {expression}")
    return expression


def metrics_of(expression):
    """The names of metrics: what is neither in quotes or braces nor a label of a grouping, a length of time or a function."""
    bare = re.sub(r'"(\\.|[^"\\])*"', '""', expression)
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]", " ", bare)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    names = re.findall(r"(?<![\w.])[A-Za-z_:][\w:]*\b(?!\s*\()", bare)
    return {name for name in names if name.lower() not in WORDS}


# --- as files


def write_spec(path, without_descriptions):
    """As Prometheus reads rules. promtool compares annotations whole: the tests do without prose."""
    content = spec()
    for group in content["groups"]:
        for rule in group["rules"]:
            if without_descriptions:
                del rule["annotations"]["description"]
    pathlib.Path(path).write_text(yaml.safe_dump(content, sort_keys=False, width=1000))


def annotated():
    for rule in rules():
        name, notes = rule["alert"], rule["annotations"]
        if rule["labels"].get("severity") not in SEVERITIES:
            yield f"{name}: its severity is none of {sorted(SEVERITIES)}"
        if not re.fullmatch(r"\d+[mh]", rule.get("for", "")):
            yield f"{name}: it does not say for how long"
        if not notes["summary"] or "\n" in notes["summary"].strip() or len(notes["summary"]) > 120:
            yield f"{name}: its summary is not one line"
        if not re.search(r"Look closer: .*(kubectl .|kennel status)", notes["description"]):
            yield f"{name}: its description names no command to look closer"
        if "\n" in notes["description"].strip():
            yield f"{name}: its description has line breaks, which mails and chats show as they like"


def tested(*files):
    fires, quiet = set(), set()
    for file in files:
        for test in yaml.safe_load(pathlib.Path(file).read_text())["tests"]:
            for case in test["alert_rule_test"]:
                fires |= {(case["alertname"], alert["exp_labels"]["severity"]) for alert in case["exp_alerts"]}
                if not case["exp_alerts"]:
                    quiet.add(case["alertname"])
    wanted = {(rule["alert"], rule["labels"]["severity"]) for rule in rules()}
    yield from (f"{name} ({severity}): no test makes it fire" for name, severity in sorted(wanted - fires))
    yield from (f"{name}: no test shows that it can be quiet" for name in sorted({n for n, _ in wanted} - quiet))
    yield from (f"{name} ({severity}): is tested, but there is none" for name, severity in sorted(fires - wanted))


def enrolment_reasons():
    """Each reason, and whether agents get over it by trying again."""
    source = (ROOT / "kdc/core/src/enrolment/refusal.rs").read_text()
    return {name: retry == "true" for name, retry in re.findall(r"^    (\w+) => \d+, (true|false), ", source, re.M)}


def explained():
    text = (COMPONENT / "README.md").read_text()
    sections = set(re.findall(r"^### (Kennel\w+)$", text, re.M))
    names = {rule["alert"] for rule in rules()}
    yield from (f"{name}: README.md has no section for it" for name in sorted(names - sections))
    yield from (f"{name}: README.md has a section, but there is no such alert" for name in sorted(sections - names))
    yield from (f"README.md does not say what {name} is" for name in sorted(enrolment_reasons()) if f"`{name}`" not in text)


def reasons():
    """The reasons that the rules name are those of the sources, and each enrolment refusal is counted by the right alert."""
    retryable = enrolment_reasons()
    of_requests = set(re.findall(r"^    (\w+) => [A-Z0-9_]+, ", (ROOT / "kdc/core/src/refusal.rs").read_text(), re.M))
    if not retryable or not of_requests:
        yield "no reasons are found in the sources"
    for whose, expression in expressions():
        for list_ in re.findall(r'reason[!=]~?"([^"]*)"', expression):
            for name in set(list_.split("|")) - {""} - of_requests - set(retryable):
                yield f"{whose}: there is no reason {name}"
    by_agents = {name for name, retry in retryable.items() if retry}
    lists = {"KennelEnrolmentsRefused": ('reason!~"', by_agents | GONE), "KennelEnrolmentsDelayed": ('reason=~"', by_agents)}
    for rule in rules():
        if rule["alert"] in lists:
            operator, wanted = lists[rule["alert"]]
            for list_ in re.findall(re.escape(operator) + '([^"]*)"', rule["expr"]):
                if set(list_.split("|")) != wanted:
                    yield f"{rule['alert']}: names {list_} and not {'|'.join(sorted(wanted))}"


def drawn():
    board = dashboard()
    everything = board["panels"]
    if board["uid"] != "kennel-kdc" or board["id"] is not None:
        yield "its uid is not kennel-kdc, or it has an id, which belongs to one Grafana"
    if (COMPONENT / "dashboard.json").stat().st_size >= LARGEST_DASHBOARD:
        yield "it is too large for a ConfigMap that kubectl applies"
    ids = [panel["id"] for panel in everything]
    yield from (f"two panels have the id {id_}" for id_ in sorted({id_ for id_ in ids if ids.count(id_) > 1}))
    taken = {}
    for panel in everything:
        title, at = panel.get("title", ""), panel["gridPos"]
        if not title:
            yield f"panel {panel['id']} has no title"
        if at["x"] < 0 or at["x"] + at["w"] > 24 or at["w"] < 1 or at["h"] < 1:
            yield f"{title}: is wider than the page, or empty"
        for spot in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            if spot in taken:
                yield f"{title}: covers {taken[spot]}"
                break
            taken[spot] = title
    for _, panel in panels():
        title, targets = panel["title"], panel.get("targets", [])
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"{title}: has no unit"
        if not panel.get("description"):
            yield f"{title}: does not say what it shows"
        if not targets or not all(target.get("expr") for target in targets):
            yield f"{title}: asks nothing"
        if len({target["refId"] for target in targets}) != len(targets):
            yield f"{title}: two queries have one refId"
        if any(asks["datasource"]["uid"] != "${datasource}" for asks in [panel, *targets]):
            yield f"{title}: asks another datasource than the one that is chosen"
        if panel["type"] == "timeseries" and any(target["legendFormat"] == "__auto" for target in targets):
            yield f"{title}: a line of it has no name"
    variables = [variable["name"] for variable in board["templating"]["list"]]
    if variables != ["datasource", "namespace", "pod"]:
        yield f"its variables are {variables}"


def held(file):
    """What an overlay with the component builds."""
    built = {(o["kind"], o["metadata"]["name"]): o for o in yaml.safe_load_all(pathlib.Path(file).read_text())}
    wanted_ones = (("ServiceMonitor", "kennel-kdc"), ("PrometheusRule", "kennel-kdc"), ("ConfigMap", "kennel-kdc-dashboard"),
                   ("NetworkPolicy", "kennel-kdc-metrics"))
    for wanted in wanted_ones:
        if wanted not in built:
            yield f"there is no {wanted[0]} {wanted[1]}"
            return
    monitor = built["ServiceMonitor", "kennel-kdc"]["spec"]
    rule = built["PrometheusRule", "kennel-kdc"]["metadata"]
    board = built["ConfigMap", "kennel-kdc-dashboard"]
    for metadata in (rule, board["metadata"]):
        if metadata["namespace"] != "kennel-system":
            yield f"{metadata['name']}: is not in the overlay's namespace, but in {metadata['namespace']}"
    if board["metadata"]["labels"].get("grafana_dashboard") != "1":
        yield "the dashboard has no label that Grafana's sidecar looks for"
    if json.loads(board["data"]["kennel-kdc.json"])["uid"] != "kennel-kdc":
        yield "the ConfigMap holds another dashboard"
    wanted = monitor["selector"]["matchLabels"].items()
    chosen = [o for (kind, _), o in built.items() if kind == "Service" and wanted <= o["metadata"].get("labels", {}).items()]
    names = [o["metadata"]["name"] for o in chosen]
    if names != ["kennel-kdc"]:
        yield f"the ServiceMonitor chooses the Services {names}, and not just kennel-kdc"
        return
    if chosen[0]["metadata"]["labels"].get(monitor["jobLabel"]) != "kennel-kdc":
        yield "the job is not called kennel-kdc"
    if [endpoint["port"] for endpoint in monitor["endpoints"]] != ["metrics"]:
        yield "a scrape of another port than metrics"
    if "metrics" not in [port["name"] for port in chosen[0]["spec"]["ports"]]:
        yield "the Service has no port metrics"


# --- as a Prometheus answers


class Prometheus:
    def __init__(self, url):
        self.url = url

    def get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        request = urllib.request.Request(f"{self.url}/api/v1/{path}?{query}")
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                said = json.load(response)
        except urllib.error.HTTPError as error:
            said = json.load(error)
        if said["status"] != "success" or said.get("warnings"):
            raise ValueError(said.get("error") or said["warnings"])
        return said["data"]

    def query(self, expression):
        return self.get("query", query=expression)["result"]

    def names(self):
        return set(self.get("label/__name__/values"))


def scraped(prometheus):
    """Often enough for a rate."""
    up = prometheus.query('up{job="kennel-kdc"}')
    if not up or any(series["value"][1] != "1" for series in up):
        targets = prometheus.get("targets", state="active")["activeTargets"]
        yield f"the target cannot be scraped: {[target['lastError'] for target in targets]}"
    elif int(prometheus.query('count_over_time(up{job="kennel-kdc"}[1m])')[0]["value"][1]) < 5:
        yield "it was not scraped often enough yet"


def answered(prometheus):
    for whose, expression in expressions():
        try:
            prometheus.query(expression)
        except ValueError as error:
            yield f"{whose}: {error}\n    {expression}"


def healthy(prometheus):
    groups = prometheus.get("rules")["groups"]
    loaded = [rule for group in groups for rule in group["rules"]]
    if len(loaded) != len(rules()):
        yield f"{len(loaded)} rules are loaded, of {len(rules())}"
    for rule in loaded:
        if rule["health"] != "ok" or rule.get("lastError"):
            yield f"{rule['name']}: {rule['health']} {rule.get('lastError', '')}"


def known(prometheus):
    names, missing = prometheus.names() | NOT_OF_KENNEL, {}
    for whose, expression in expressions():
        for name in metrics_of(expression) - names:
            missing.setdefault(name, set()).add(whose)
    for name, users in sorted(missing.items()):
        yield f"{name} is not exported: {', '.join(sorted(users))}"


def shown(prometheus):
    """Whatever is exported stands on the dashboard or in an alert; the parts of a histogram are one."""
    whole = lambda name: re.sub(r"_(bucket|count|sum)$", "", name)
    used = {whole(name) for _, expression in expressions() for name in metrics_of(expression)}
    exported = {whole(name) for name in prometheus.names() if name.startswith("kennel_")}
    yield from (f"{name} is exported, and nothing shows it" for name in sorted(exported - used))


def bounded(prometheus):
    """A quantile is never more than the last bucket's limit, and exact only at a limit."""
    pattern = r"histogram_quantile\(.*\(rate\((\w+_bucket)\S*\)\)\) > ([\d.]+)"
    found = [(rule["alert"], *match) for rule in rules() for match in re.findall(pattern, rule["expr"])]
    if not found:
        yield "no alert on a quantile is found"
    for alert, name, limit in found:
        limits = {float(series["metric"]["le"]) for series in prometheus.query(f"count by (le) ({name})")}
        if limits and (float(limit) not in limits or max(limits - {float("inf")}, default=0) <= float(limit)):
            yield f"{alert}: {limit} is no limit of {name} that another one follows: {sorted(limits)}"


def filled_panels(prometheus):
    """Refusals have none where nothing was refused."""
    looked = [panel for row, panel in panels() if row == "Requests" and "Refus" not in panel["title"]]
    if len(looked) < 4:
        yield "the row Requests is not found"
    for panel in looked:
        for target in panel["targets"]:
            if not prometheus.query(filled(target["expr"])):
                yield f"{panel['title']}: no data for {filled(target['expr'])}"


def quiet(prometheus, *expected):
    alerts = prometheus.get("alerts")["alerts"]
    for alert in alerts:
        if alert["labels"]["alertname"] not in expected:
            yield f"{alert['state']}: {alert['annotations']['summary']} ({alert['labels']['alertname']}, value {alert['value']})"
    for name in set(expected) - {alert["labels"]["alertname"] for alert in alerts}:
        yield f"{name} is expected here, and is not even pending"


FILES = {subject.__name__: subject for subject in (annotated, tested, explained, reasons, drawn, held)}
ANSWERS = {subject.__name__: subject for subject in (scraped, answered, healthy, known, shown, bounded, filled_panels, quiet)}


def main(subject, *arguments):
    if subject == "spec":
        return write_spec(arguments[0], "--without-descriptions" in arguments)
    if subject in FILES:
        wrong = list(FILES[subject](*arguments))
    else:
        wrong = list(ANSWERS[subject](Prometheus(arguments[0]), *arguments[1:]))
    if wrong:
        sys.exit("\n".join(wrong))


main(*sys.argv[1:])
