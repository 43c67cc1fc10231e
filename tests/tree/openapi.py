# SPDX-License-Identifier: Apache-2.0
"""Compares openapi.json with the tables of the daemon, both ways, and prints TAP.

openapi.py TOP DOCUMENT. The tables are read from the sources; what cannot be read is a failure.
Then both sides are changed, one place at a time, and each change must be found.
"""

import copy
import json
import re
import sys
from pathlib import Path

LOG_ONLY = {408, 499}  # problem.h: never answered
# Fields of head.c without endpoints there.
OF_EVERY_MESSAGE = {"Host", "Origin", "Sec-Fetch-Site", "Content-Length", "Transfer-Encoding",
                    "Expect"}  # told in the introduction
SAID_OTHERWISE = {"Accept", "Content-Type", "Authorization"}  # by the rules of OpenAPI
TAKEN_BY_CODE = {"X-Request-Id": None, "Prefer": "KG_TAKES_V1",
                 "Content-Encoding": "KG_TAKES_WRITE", "traceparent": "KG_TAKES_DATABASE",
                 "tracestate": "KG_TAKES_DATABASE"}
TEXT = r'"((?:[^"\\]|\\.)*)"'
COMMENT = re.compile(rf"({TEXT})|/\*.*?\*/", re.S)


# -- the sources -------------------------------------------------------------------------------

def load_sources(top):
    """The texts of daemon/, by their path below it, without comments."""
    daemon = Path(top, "daemon")
    texts = {str(path.relative_to(daemon)): path.read_text(encoding="utf-8")
             for path in sorted(daemon.rglob("*.*")) if path.suffix in (".c", ".h", ".def")}
    return {name: COMMENT.sub(lambda found: found[1] or " ", text) for name, text in texts.items()}


def must(found, what):
    if not found:
        raise ValueError(f"{what} cannot be read")
    return found


def table_of(text, name):
    """The initialiser of an array, up to its end."""
    found = re.search(rf"\b{name}\[\w*\]\s*=\s*\{{(.*?)\n\}};|\b{name}\[\w*\]\s*=\s*\{{(.*?)\}};",
                      text, re.S)
    return must(found, name)[1] or found[2]


def bits_of(sources):
    """enum kg_takes, evaluated."""
    body = must(re.search(r"enum kg_takes \{(.*?)\};", sources["head.h"], re.S), "enum kg_takes")[1]
    bits = {}
    for name, value in re.findall(r"(KG_TAKES_\w+)\s*=\s*([^,]+),", body):
        bits[name] = evaluate(value, bits)
    return must(bits, "enum kg_takes")


def evaluate(expression, bits):
    words = re.split(r"\s*\|\s*", expression.strip())
    total = 0
    for word in words:
        shift = re.fullmatch(r"1U? << (\d+)", word)
        total |= 1 << int(shift[1]) if shift else int(word) if word.isdigit() else bits[word]
    return total


def endpoints_of(sources, bits):
    """Endpoints by their symbol: operation, takes, is_probe, requires."""
    found = {}
    for name, text in sources.items():
        for symbol, body in re.findall(r"const struct kg_endpoint (\w+) = \{(.*?)\};", text, re.S):
            takes = re.search(r"\.takes = ([^,]+),", body)
            requires = re.search(r'\.requires = "([^"]+)"', body)
            found[symbol] = {
                "operation": must(re.search(r'\.operation = "(\w+)"', body), symbol)[1],
                "takes": evaluate(takes[1], bits) if takes else 0,
                "is_probe": ".is_probe = true" in body,
                "requires": requires and requires[1]}
    return must(found, "endpoints")


def routes_of(sources):
    """(method, path, endpoint symbol)"""
    rows = re.findall(r'KG_ROUTE\(\w+, (\w+), "([^"]+)", (\w+)\)', sources["routes.def"])
    return must(rows, "routes.def")


def problems_of(sources):
    """Problems by their code: name, status, title, description."""
    rows = re.findall(rf"KG_PROBLEM_ROW\((\w+),\s*{TEXT},\s*(\d+),\s*{TEXT},((?:\s*{TEXT})+)\s*\)",
                      sources["problems.def"])
    return {row[1]: {"name": row[0], "status": int(row[2]), "title": row[3],
                     "description": "".join(re.findall(TEXT, row[4]))}
            for row in must(rows, "problems.def")}


def used_problems(sources):
    """The names of the problems that some code sets."""
    texts = [text for name, text in sources.items() if name.endswith(".c")]
    return set(re.findall(r"\bKG_PROBLEM_(\w+)", " ".join(texts)))


def fields_of(sources):
    """The header table: KG_FIELD_… to name and the endpoints of the row."""
    rows = re.findall(rf"\[KG_FIELD_(\w+)\] = \{{{TEXT}, (?:true|false),\s*([^}}]+)\}}",
                      table_of(sources["head.c"], "rows"))
    declared = re.search(r"enum kg_field \{(.*?)KG_FIELD_COUNT", sources["head.h"], re.S)[1]
    if len(rows) != len(re.findall("KG_FIELD_", declared)):
        raise ValueError("the rows of head.c cannot be read")
    return {field: (name, takes) for field, name, takes in rows}


def parameter_rows(sources):
    """The rows of parameters.c: field, query name or None, endpoints."""
    table = table_of(sources["parameters.c"], "rows")
    rows = re.findall(rf"\{{KG_FIELD_(\w+), (?:NULL|{TEXT}),\s*(?:NULL|{TEXT}),\s*(?:NULL|{TEXT}),"
                      r"\s*([A-Z_0-9| ]+),\s*\w+\}", table)
    if len(rows) != len(re.findall("KG_FIELD_", table)):
        raise ValueError("the rows of parameters.c cannot be read")
    return [(field, query or None, takes) for field, _, query, _, takes in rows]


def media_types_of(sources):
    """Pairs of endpoints and media types, in the order in which they are decided."""
    text = sources["parameters.c"]
    body = must(re.search(r"\nkg_parameters_accepted_types\(.*?\n\}", text, re.S), "media types")[0]
    pairs = re.findall(r"\(takes & (KG_TAKES_\w+)\) != 0\s*\?\s*(\w+)", body)
    return [(takes, re.findall(TEXT, table_of(text, name))) for takes, name in
            must(pairs, "media types")]


def problem_members(sources):
    """What problem.c and who helps it can print into a problem."""
    text = sources["problem.c"]
    printing = must(re.search(r"\nput_type\(.*?\nkg_problem_print\(.*?\n\}", text, re.S),
                    "problem.c")[0]
    names = re.findall(r'\bput_\w+\(\s*\w+,\s*"(\w+)"', printing)
    names += re.findall(r'kg_json_put_\w+\(\s*\w+,\s*"(\w+)"', printing)
    names += re.findall(r'"((?:limit|actual)_\w+)"', printing)
    names += re.findall(r'\\"(\w+)\\":', printing)
    return set(must(names, "members of problems"))


# -- the document ------------------------------------------------------------------------------

METHODS = ("get", "head", "post", "put", "options", "delete", "patch", "trace")


def resolve(document, node):
    while isinstance(node, dict) and "$ref" in node:
        target = document
        for name in node["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        node = target
    return node


def operations_of(document):
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method], item.get("parameters", [])


def parameters_of(document, operation, shared):
    """(in, name), the headers that carry credentials included."""
    found = {(each["in"], each["name"]) for each in
             (resolve(document, one) for one in shared + operation.get("parameters", []))}
    for requirement in operation.get("security", []):
        for name in requirement:
            scheme = document["components"]["securitySchemes"][name]
            if scheme["type"] == "apiKey":
                found.add((scheme["in"], scheme["name"]))
    return found


def codes_of(document, response):
    """The codes of the problems that a response may have."""
    schema = response.get("content", {}).get("application/problem+json", {}).get("schema", {})
    for each in schema.get("oneOf", [schema] if schema else []):
        yield resolve(document, each)["properties"]["code"]["const"]


def problem_schemas(document):
    for name, schema in document["components"]["schemas"].items():
        code = schema.get("properties", {}).get("code", {}).get("const")
        if code is not None:
            yield name, code, schema


def properties_of(document, schema):
    """The members of a schema and of all that it is made of or holds."""
    schema = resolve(document, schema)
    found = set(schema.get("properties", {}))
    inner = [*schema.get("properties", {}).values(), *schema.get("allOf", []),
             schema.get("items", {})]
    for each in inner:
        if isinstance(each, dict) and each:
            found |= properties_of(document, each)
    return found


# -- comparing ---------------------------------------------------------------------------------

def both_ways(what, of_sources, of_document):
    for each in sorted(of_sources - of_document, key=str):
        yield f"{what}: {each} is in the sources, not in openapi.yaml"
    for each in sorted(of_document - of_sources, key=str):
        yield f"{what}: {each} is in openapi.yaml, not in the sources"


def bare(operation):
    return operation[3:] if operation.startswith("get") else operation[0].upper() + operation[1:]


def wanted_operations(sources, endpoints):
    """(method, path, operationId), with HEAD where GET is, and OPTIONS everywhere."""
    wanted = set()
    with_options = set()
    for method, path, symbol in routes_of(sources):
        operation = endpoints[symbol]["operation"]
        wanted.add((method.lower(), path, operation))
        if method == "GET":
            wanted.add(("head", path, "head" + bare(operation)))
        if path not in with_options:
            wanted.add(("options", path, "options" + bare(operation)))
        with_options.add(path)
    return wanted


def compare_operations(document, sources, endpoints):
    given = {(method, path, operation["operationId"])
             for method, path, operation, _ in operations_of(document)}
    yield from both_ways("operation", wanted_operations(sources, endpoints), given)
    for method, path, operation, shared in operations_of(document):
        names = set(re.findall(r"\{(\w+)\}", path))
        declared = {name for place, name in parameters_of(document, operation, shared)
                    if place == "path"}
        yield from both_ways(f"{method} {path} value", names, declared)
        if method == "head":
            same = document["paths"][path].get("get", {})
            for part in ("parameters", "responses", "security"):
                if operation.get(part) != same.get(part):
                    yield f"head {path}: other {part} than get"


def compare_parameters(document, sources, bits, by_operation):
    fields = fields_of(sources)
    for field, _, row in parameter_rows(sources):
        name, endpoints = fields.get(field, ("", "0"))
        # Of these a request is refused that has them where they are not defined.
        if name.startswith(("Kurrent-", "If-")) and evaluate(endpoints, bits) != evaluate(row, bits):
            yield f"{name}: head.c and parameters.c disagree on its endpoints"
    introduction = document["info"]["description"]
    for name in OF_EVERY_MESSAGE:
        if name not in introduction:
            yield f"the introduction does not tell of {name}"
    for method, path, operation, shared in operations_of(document):
        if method in ("head", "options"):
            continue
        if operation["operationId"] not in by_operation:
            continue  # told by compare_operations
        takes = by_operation[operation["operationId"]]["takes"]
        wanted = {("query", query) for _, query, row in parameter_rows(sources)
                  if query and evaluate(row, bits) & takes}
        wanted |= {("header", fields[field][0]) for field, _, row in parameter_rows(sources)
                   if field != "COUNT" and evaluate(row, bits) & takes}
        for name, row in fields.values():
            if name in TAKEN_BY_CODE:
                needed = TAKEN_BY_CODE[name]
                is_taken = needed is None or bits[needed] & takes
            else:
                is_taken = evaluate(row, bits) & takes
            if is_taken:
                wanted.add(("header", name))
        given = {(place, name) for place, name in parameters_of(document, operation, shared)
                 if place != "path" and not name.startswith("ce-")}
        yield from both_ways(f"{operation['operationId']} parameter", wanted, given)
        has_attributes = any(name.startswith("ce-") for _, name in
                             parameters_of(document, operation, shared))
        if has_attributes != bool(bits["KG_TAKES_CLOUDEVENTS"] & takes):
            yield f"{operation['operationId']}: ce- headers"
    told = {name for _, name in [each for _, _, operation, shared in operations_of(document)
                                 for each in parameters_of(document, operation, shared)]}
    missing = {name for name, _ in fields.values()} - told - OF_EVERY_MESSAGE - SAID_OTHERWISE
    for name in sorted(missing):
        yield f"the header {name} of head.c is nowhere told of"


def compare_media_types(document, sources, bits, by_operation):
    for method, _, operation, _ in operations_of(document):
        takes = by_operation.get(operation["operationId"], {}).get("takes", 0)
        if method in ("head", "options") or not takes & bits["KG_TAKES_WRITE"]:
            continue
        wanted = set(next(types for name, types in media_types_of(sources) if bits[name] & takes))
        given = set(operation.get("requestBody", {}).get("content", {}))
        if takes & bits["KG_TAKES_CLOUDEVENTS"]:
            wanted.add("*/*")  # binary mode
        # "*/*" stands for all of them; those with a form of their own are told besides.
        if takes & bits["KG_TAKES_RAW"]:
            wanted |= {"application/json"}
        yield from both_ways(f"{operation['operationId']} media type", wanted, given)


def compare_problems(document, sources):
    problems = problems_of(sources)
    yield from both_ways("code", set(problems),
                         set(document["components"]["schemas"]["ProblemCode"]["enum"]))
    for name, code, schema in problem_schemas(document):
        row = problems.get(code)
        if row is None:
            yield f"schema {name}: there is no code {code}"
            continue
        consts = {member: schema["properties"].get(member, {}).get("const")
                  for member in ("type", "title", "status")}
        if consts != {"type": f"/problems/{code}", "title": row["title"], "status": row["status"]}:
            yield f"schema {name}: {consts} differs from problems.def"
        if is_first(name, code) and schema["description"].split() != row["description"].split():
            yield f"schema {name}: the description differs from problems.def"


def is_first(name, code):
    """Whether a schema is the plain one of its code."""
    return name == "".join(word.capitalize() for word in code.split("-"))


def compare_answered(document, sources):
    """Which codes are answered at all, and that each stands with its status."""
    problems = problems_of(sources)
    used = used_problems(sources)
    wanted = {code for code, row in problems.items()
              if row["name"] in used and row["status"] not in LOG_ONLY}
    given = set()
    groups = [(operation["operationId"], operation["responses"])
              for _, _, operation, _ in operations_of(document)]
    for name in ("x-unknown-path", "x-other-method"):
        groups.append((name, document[name]))
    for name, responses in groups:
        for status, response in responses.items():
            for code in codes_of(document, resolve(document, response)):
                given.add(code)
                if str(problems.get(code, {}).get("status")) != status:
                    yield f"{name}: {code} under {status}"
    yield from both_ways("answered code", wanted, given)


def compare_members(document, sources):
    given = set()
    for _, _, schema in problem_schemas(document):
        given |= properties_of(document, schema)
    yield from both_ways("member of problems", problem_members(sources), given)


def compare_needs(document, by_operation):
    for method, _, operation, _ in operations_of(document):
        requires = by_operation.get(operation["operationId"], {}).get("requires")
        if method in ("head", "options"):
            continue
        response = resolve(document, operation["responses"].get("501", {}))
        tells = "operation-not-supported" in codes_of(document, response)
        if tells != (requires is not None):
            yield f"{operation['operationId']}: operation-not-supported"
        if requires and requires not in operation["description"]:
            yield f"{operation['operationId']}: the description does not name {requires}"


# What an endpoint is documented to answer follows from what it takes (api-design 2.1, 10).
ANSWERS = [("304", None, "KG_TAKES_GET_METADATA"),
           ("400", "conflicting-parameters", "KG_TAKES_V1"),
           ("400", "unknown-preference", "KG_TAKES_V1"),
           ("400", "malformed-json", "KG_TAKES_WRITE"),
           ("400", "bad-idempotency-key", "KG_TAKES_WRITE"),
           ("401", "unauthenticated", "KG_TAKES_DATABASE"),
           ("403", "forbidden", "KG_TAKES_DATABASE"),
           ("406", "not-acceptable", "KG_TAKES_V1"),
           ("409", "consistency-checks-failed", "KG_TAKES_RECORDS"),
           ("412", "precondition-failed", "KG_TAKES_PUT_METADATA"),
           ("413", "body-too-large", "KG_TAKES_WRITE"),
           ("415", "unsupported-media-type", "KG_TAKES_WRITE"),
           ("422", "duplicate-stream", "KG_TAKES_GROUPS | KG_TAKES_RECORDS"),
           ("422", "unknown-member", "KG_TAKES_V1 | KG_TAKES_READINESS"),
           ("422", "duplicate-member", "KG_TAKES_WRITE"),
           ("422", "idempotency-key-reused", "KG_TAKES_WRITE"),
           ("428", "precondition-required", "KG_TAKES_PUT_METADATA"),
           ("502", "database-error", "KG_TAKES_DATABASE"),
           ("502", "upstream-credentials", "KG_TAKES_DATABASE"),
           ("503", "connection-lost", "KG_TAKES_DATABASE"),
           ("504", "deadline-exceeded", "KG_TAKES_DATABASE")]


def compare_statuses(document, bits, by_operation):
    for method, _, operation, _ in operations_of(document):
        endpoint = by_operation.get(operation["operationId"])
        if method in ("head", "options") or endpoint is None:
            continue
        responses = operation["responses"]
        given = {(status, code) for status, response in responses.items()
                 for code in codes_of(document, resolve(document, response))}
        given |= {(status, None) for status in responses}
        for status, code, takes in ANSWERS:
            if bool(evaluate(takes, bits) & endpoint["takes"]) != ((status, code) in given):
                yield f"{operation['operationId']}: {status} {code or ''} does not fit its endpoint"
        for status, code in (("403", "host-not-allowed"), ("503", "draining")):
            if endpoint["is_probe"] == ((status, code) in given):
                yield f"{operation['operationId']}: {status} {code} is what probes alone do without"


def compare(document, sources):
    """All differences, as lines."""
    bits = bits_of(sources)
    endpoints = endpoints_of(sources, bits)
    by_operation = {endpoints[symbol]["operation"]: endpoints[symbol]
                    for _, _, symbol in routes_of(sources)}
    return [*compare_operations(document, sources, endpoints),
            *compare_parameters(document, sources, bits, by_operation),
            *compare_media_types(document, sources, bits, by_operation),
            *compare_problems(document, sources),
            *compare_answered(document, sources),
            *compare_statuses(document, bits, by_operation),
            *compare_members(document, sources),
            *compare_needs(document, by_operation)]


# -- changes that must be found ----------------------------------------------------------------

def in_source(name, old, new, count=1):
    def change(_document, sources):
        if old not in sources[name]:
            raise ValueError(f"{name} has no {old!r} to change")
        sources[name] = sources[name].replace(old, new, count)
    return change


def in_document(function):
    return lambda document, _sources: function(document)


def schema(document, name):
    return document["components"]["schemas"][name]


CHANGES = {
    "a route less": in_source("routes.def", 'KG_ROUTE(INFO, GET, "/v1/info", kg_info_endpoint)', ""),
    "a route more": in_source(
        "routes.def", "KG_ROUTE(INFO,",
        'KG_ROUTE(METRICS, GET, "/metrics", kg_info_endpoint)\nKG_ROUTE(INFO,'),
    "another method": in_source("routes.def", "KG_ROUTE(INFO, GET", "KG_ROUTE(INFO, PUT"),
    "another path": in_source("routes.def", '"/v1/info"', '"/v1/information"'),
    "another operation": in_source("endpoints/info.c", '"getInfo"', '"readInfo"'),
    "a problem less": in_source("problems.def", '"draining", 503', '"stopping", 503'),
    "another status": in_source("problems.def", '"draining", 503', '"draining", 500'),
    "another title": in_source("problems.def", '"Draining"', '"Stopping"'),
    "another description": in_source("problems.def", "The gateway is shutting", "It is shutting"),
    "a code that is answered now": in_source("router.c", "KG_PROBLEM_NOT_FOUND",
                                             "KG_PROBLEM_RATE_LIMITED"),
    "a header more": in_source("head.c", '{"traceparent"', '{"baggage"'),
    "a header for fewer": in_source("head.c", '{"Kurrent-EventId", true, KG_TAKES_RAW}',
                                    '{"Kurrent-EventId", true, 0}'),
    "a parameter less": in_source("parameters.c", '"current_version"', '"expected_version"'),
    "a parameter for more": in_source("parameters.c", '"query:event_id",\n\tKG_TAKES_RAW',
                                      '"query:event_id",\n\tKG_TAKES_WRITE'),
    "a media type more": in_source("parameters.c", '"application/x-ndjson"', '"text/csv"'),
    "a member of problems more": in_source(
        "problem.c", 'kg_json_put_string(root, "detail"',
        'kg_json_put_string(root, "instance", "");\n\tkg_json_put_string(root, "detail"'),
    "an endpoint that takes other things": in_source(
        "endpoints/info.c", ".takes = KG_TAKES_V1,", ".takes = KG_TAKES_READINESS,"),
    "a probe less": in_source("endpoints/probes.c", ".is_probe = true,", ""),
    "documented: a status that the endpoint cannot have": in_document(
        lambda d: d["paths"]["/livez"]["get"]["responses"].update(
            {"406": {"$ref": "#/components/responses/NotAcceptable"}})),
    "documented: a needed status less": in_document(
        lambda d: d["paths"]["/v1/append-records"]["post"]["responses"].pop("504")),
    "another needed version": in_source("endpoints/append.c", '.requires = "21.10"',
                                        '.requires = "22.10"'),
    "documented: an operation less": in_document(lambda d: d["paths"]["/v1/info"].pop("head")),
    "documented: a path more": in_document(
        lambda d: d["paths"].update({"/docs": copy.deepcopy(d["paths"]["/livez"])})),
    "documented: another operationId": in_document(
        lambda d: d["paths"]["/livez"]["get"].update({"operationId": "getLife"})),
    "documented: a parameter less": in_document(
        lambda d: d["paths"]["/v1/streams/{stream}/events"]["post"]["parameters"].pop()),
    "documented: credentials nowhere": in_document(
        lambda d: d["paths"]["/v1/streams/{stream}/events"]["post"].pop("security")),
    "documented: a status less": in_document(
        lambda d: d["components"]["responses"]["GatewayTimeout"].pop("content")),
    "documented: a code under another status": in_document(
        lambda d: d["paths"]["/livez"]["get"]["responses"].update(
            {"418": {"$ref": "#/components/responses/NotFound"}})),
    "documented: a code more": in_document(
        lambda d: schema(d, "ProblemCode")["enum"].append("teapot")),
    "documented: another title": in_document(
        lambda d: schema(d, "Draining")["properties"]["title"].update({"const": "Away"})),
    "documented: a member more": in_document(
        lambda d: schema(d, "Draining")["properties"].update({"until": {"type": "string"}})),
    "documented: a member less": in_document(
        lambda d: schema(d, "MalformedJson")["properties"].pop("byte_offset")),
}


def report(number, name, findings):
    print(f"{'not ok' if findings else 'ok'} {number} - {name}")
    for line in findings:
        print(f"# {line}")


def main(top, document_path):
    document = json.loads(Path(document_path).read_text(encoding="utf-8"))
    sources = load_sources(top)
    print(f"1..{1 + len(CHANGES)}")
    report(1, "openapi.yaml agrees with the tables of the daemon", compare(document, sources))
    for number, (name, change) in enumerate(CHANGES.items(), 2):
        changed = copy.deepcopy(document), dict(sources)
        change(*changed)
        found = set(compare(*changed)) - set(compare(document, sources))
        report(number, f"a difference is found: {name}", [] if found else ["nothing was found"])


main(*sys.argv[1:])
