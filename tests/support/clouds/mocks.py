"""The metadata services of AWS, GCP, Azure and OpenStack, by their vendors' documentation."""

import base64
import json
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from typing import Literal, Union

from .server import Faults, Reply, Request, Service

Tree = dict[str, Union[str, bytes, "Tree"]]
NOT_FOUND = Reply(404, b"404 - Not Found\n")


def _json(value: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), "application/json")


def _find(tree: Tree, path: str) -> str | bytes | Tree | None:
    node: str | bytes | Tree | None = tree
    for name in filter(None, path.split("/")):
        node = node.get(name) if isinstance(node, dict) else None
    return node


def _listing(tree: Tree, path: str) -> Reply:
    """A leaf as text; a directory as its names, those of directories with a slash at the end."""
    node = _find(tree, path)
    if node is None:
        return NOT_FOUND
    if isinstance(node, dict):
        node = "\n".join(name + "/" * isinstance(below, dict) for name, below in node.items())
    return Reply(body=node.encode() if isinstance(node, str) else node)


# --- AWS

AWS_VERSIONS = ("1.0", "2009-04-04", "2016-09-02", "2018-09-24", "2019-10-01", "2021-01-03", "2021-03-23", "latest")
_TTL = "x-aws-ec2-metadata-token-ttl-seconds"
_TOKEN = "x-aws-ec2-metadata-token"


class Aws(Service):
    """IMDS. `v2`: whether a token is required, optional, or unknown to it (404 on its path)."""

    INSTANCE = "i-0123456789abcdef0"

    def __init__(self, user_data: bytes | None, faults: Faults = Faults(), *, disabled: bool = False,
                 v2: Literal["required", "optional", "absent"] = "required", token_uses: int = 0) -> None:
        super().__init__(faults)
        self.disabled, self.v2, self.token_uses = disabled, v2, token_uses
        self._tokens: dict[str, list[float]] = {}  # its end, and how often it was used
        identity = {"instanceId": self.INSTANCE, "region": "eu-central-1", "availabilityZone": "eu-central-1a", "accountId": "123456789012"}
        self.tree: Tree = {
            "meta-data": {
                "ami-id": "ami-0123456789abcdef0", "instance-id": self.INSTANCE, "instance-type": "t3.micro",
                "local-hostname": "ip-10-0-0-5", "hostname": "ip-10-0-0-5", "local-ipv4": "10.0.0.5",
                "placement": {"availability-zone": "eu-central-1a", "region": "eu-central-1"},
            },
            "dynamic": {"instance-identity": {"document": json.dumps(identity)}},
        }
        if user_data is not None:
            self.tree["user-data"] = user_data

    def answer(self, request: Request) -> Reply:
        version, _, path = request.path.lstrip("/").partition("/")
        if self.disabled:
            return Reply(403)
        if path.rstrip("/") == "api/token":
            return self._token(version, request)
        if request.method not in ("GET", "HEAD"):
            return Reply(405)
        if not self._allowed(request.headers.get(_TOKEN)):
            return Reply(401)
        if version == "":
            return Reply(body="\n".join(AWS_VERSIONS).encode())
        reply = _listing(self.tree, path) if version in AWS_VERSIONS else NOT_FOUND
        return replace(reply, content_type="application/octet-stream") if path == "user-data" and reply.status == 200 else reply

    def _token(self, version: str, request: Request) -> Reply:
        if self.v2 == "absent":
            return NOT_FOUND
        if version != "latest" or "x-forwarded-for" in request.headers:
            return Reply(403)
        if request.method != "PUT":
            return Reply(405)
        ttl = request.headers.get(_TTL, "")
        if not (ttl.isascii() and ttl.isdigit() and 1 <= int(ttl) <= 21600):
            return Reply(400)
        token = f"AQAEAMock{len(self._tokens):04}=="
        self._tokens[token] = [request.time + int(ttl), 0]
        return Reply(body=token.encode(), headers={"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": ttl})

    def _allowed(self, token: str | None) -> bool:
        if token is None or self.v2 == "absent":
            return self.v2 != "required"
        state = self._tokens.get(token)
        if state is None or time.monotonic() > state[0] or 0 < self.token_uses <= state[1]:
            return False
        state[1] += 1
        return True


# --- GCP

_FLAVOR = {"Metadata-Flavor": "Google"}


class Gcp(Service):
    INSTANCE = "4520031799277581759"

    def __init__(self, user_data: bytes | None, faults: Faults = Faults(), *, encoding: str = "") -> None:
        super().__init__(faults)
        self.attributes: Tree = {} if user_data is None else {"user-data": user_data}
        if encoding:
            self.attributes["user-data-encoding"] = encoding
        self.tree: Tree = {
            "instance": {
                "attributes": self.attributes, "id": self.INSTANCE, "hostname": "machine.c.project.internal",
                "zone": "projects/1/zones/europe-west3-a", "machine-type": "projects/1/machineTypes/e2-micro",
            },
            "project": {"attributes": {}, "project-id": "project"},
        }

    def sign(self, reply: Reply) -> Reply:
        return replace(reply, headers=_FLAVOR | reply.headers)

    def answer(self, request: Request) -> Reply:
        if request.headers.get("metadata-flavor") != "Google" or "x-forwarded-for" in request.headers:
            return Reply(403, b"Missing Metadata-Flavor:Google header.\n")
        if request.method not in ("GET", "HEAD"):
            return Reply(405)
        root, _, path = request.path.lstrip("/").partition("/")
        version, _, path = path.partition("/")
        if root != "computeMetadata" or version != "v1":
            return NOT_FOUND
        node = _find(self.tree, path)
        if isinstance(node, dict) and request.query.get("recursive", "").lower() == "true":
            return _json(_texts(node))
        return replace(_listing(self.tree, path), content_type="application/text")


def _texts(tree: Tree) -> dict[str, object]:
    return {name: _texts(below) if isinstance(below, dict) else below.decode() if isinstance(below, bytes) else below
            for name, below in tree.items()}


# --- Azure

AZURE_VERSIONS = ("2017-08-01", "2018-02-01", "2019-06-01", "2020-06-01", "2020-09-01", "2021-01-01", "2021-02-01", "2021-08-01")
VM_ID = "02aab8a4-74ef-476e-8182-f6d2ba4166a6"


class Azure(Service):
    """IMDS. User data is shown in base64 from version 2021-01-01 on; none is the empty text."""

    def __init__(self, user_data: bytes | None, faults: Faults = Faults()) -> None:
        super().__init__(faults)
        self.compute: Tree = {
            "name": "machine", "vmId": VM_ID, "vmSize": "Standard_B1s", "location": "westeurope",
            "osProfile": {"adminUsername": "azureuser", "computerName": "machine", "disablePasswordAuthentication": "true"},
        }
        self.user_data = base64.b64encode(user_data or b"").decode()

    def answer(self, request: Request) -> Reply:
        if request.headers.get("metadata") != "true":
            return _json({"error": "Bad request. Required metadata header not specified"}, 400)
        if "x-forwarded-for" in request.headers:
            return _json({"error": "Bad request. Requests with X-Forwarded-For are rejected"}, 400)
        if request.method not in ("GET", "HEAD"):
            return _json({"error": "Method not allowed"}, 405)
        version = request.query.get("api-version")
        if version not in AZURE_VERSIONS:
            return _json({"error": "Bad request. api-version is invalid or was not specified in the request.",
                          "newest-versions": list(AZURE_VERSIONS[:-4:-1])}, 400)
        return self._instance(request, version)

    def _instance(self, request: Request, version: str) -> Reply:
        compute = self.compute | ({"userData": self.user_data} if version >= "2021-01-01" else {})
        node = _find({"metadata": {"instance": {"compute": compute, "network": {"interface": {}}}}}, request.path)
        # A leaf is to be asked for as text, a directory is JSON only.
        if isinstance(node, dict) and request.path.strip("/") != "metadata" and request.query.get("format", "json") == "json":
            return _json(node)
        if isinstance(node, str) and request.query.get("format") == "text":
            return Reply(body=node.encode(), content_type="text/plain; charset=utf-8")
        return _json({"error": "Not found"}, 404)


@dataclass(frozen=True)
class Report:
    state: str  # Ready or NotReady
    substatus: str = ""
    description: str = ""


class WireServer(Service):
    """The host's own service on Azure: versions, the goal state, and the report that a machine is ready or will not be."""

    ADDRESS = "168.63.129.16"
    INCARNATION = "1"
    CONTAINER = "c6d5526c-5ac2-4200-b6e2-56f2b70c5ab2"
    ROLE = "b61f93d0-e1ed-40b2-b067-22c243233448.machine"
    VERSIONS = ("2015-04-05", "2012-11-30")
    DESCRIPTION = 512

    def __init__(self, faults: Faults = Faults()) -> None:
        super().__init__(faults)
        self.reports: list[Report] = []
        self.refused: list[str] = []  # why a report was refused

    def answer(self, request: Request) -> Reply:
        comp, path = request.query.get("comp"), request.path.rstrip("/")
        if request.method == "GET" and path == "" and comp == "versions":
            return _xml(_versions(self.VERSIONS))
        if path != "/machine":
            return Reply(404)
        if request.headers.get("x-ms-version") not in self.VERSIONS or not request.headers.get("x-ms-agent-name"):
            return Reply(400, b"x-ms-version and x-ms-agent-name are required\n")
        if request.method == "POST" and comp == "health":
            return self._health(request)
        if request.method != "GET":
            return Reply(405)
        return self._get(comp)

    def _get(self, comp: str | None) -> Reply:
        if comp == "goalstate":
            return _xml(_goal_state(self))
        if comp == "hosting":
            return _xml('<HostingEnvironmentConfig><Deployment name="d"/><Incarnation number="1" instance="machine"/>'
                        '<Role name="machine"/></HostingEnvironmentConfig>')
        if comp == "shared":
            return _xml("<SharedConfig/>")
        return Reply(404)

    def _health(self, request: Request) -> Reply:
        try:
            if request.headers.get("content-type", "").replace(" ", "").lower() != "text/xml;charset=utf-8":
                raise ValueError("the content type is not text/xml; charset=utf-8")
            self.reports.append(read_report(request.body))
        except (ValueError, ET.ParseError) as why:
            self.refused.append(str(why))
            return Reply(400, f"{why}\n".encode())
        return Reply()


def _xml(text: str) -> Reply:
    return Reply(body=('<?xml version="1.0" encoding="utf-8"?>\n' + text).encode(), content_type="text/xml; charset=utf-8")


def _versions(versions: tuple[str, ...]) -> str:
    listed = "".join(f"<Version>{v}</Version>" for v in versions)
    return f"<Versions><Preferred><Version>{versions[0]}</Version></Preferred><Supported>{listed}</Supported></Versions>"


def _goal_state(wire: WireServer) -> str:
    base = f"http://{wire.ADDRESS}/machine/?comp="
    return f"""<GoalState xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <Version>2012-11-30</Version>
  <Incarnation>{wire.INCARNATION}</Incarnation>
  <Machine><ExpectedState>Started</ExpectedState><StopRolesDeadlineHint>300000</StopRolesDeadlineHint></Machine>
  <Container>
    <ContainerId>{wire.CONTAINER}</ContainerId>
    <RoleInstanceList><RoleInstance>
      <InstanceId>{wire.ROLE}</InstanceId>
      <State>Started</State>
      <Configuration>
        <HostingEnvironmentConfig>{base}hosting</HostingEnvironmentConfig>
        <SharedConfig>{base}shared</SharedConfig>
        <ConfigName>machine.0.machine.0.machine.1.xml</ConfigName>
      </Configuration>
    </RoleInstance></RoleInstanceList>
  </Container>
</GoalState>
"""


def _below(element: ET.Element, names: str, optional: str = "") -> dict[str, ET.Element]:
    """The children, which must be these and each once."""
    found = [child.tag for child in element]
    needed, allowed = names.split(), [*names.split(), *optional.split()]
    if sorted(found) != sorted(set(found)) or not set(needed) <= set(found) <= set(allowed):
        raise ValueError(f"{element.tag} has {found}, not {names} [{optional}]")
    return {child.tag: child for child in element}


def _is(element: ET.Element, expected: str) -> None:
    if element.text != expected or len(element):
        raise ValueError(f"{element.tag} is {element.text!r}, not {expected!r}")


def read_report(body: bytes) -> Report:
    """A health report, which must be of this machine; ValueError says what is wrong."""
    root = ET.fromstring(body)
    if root.tag != "Health":
        raise ValueError(f"the root is {root.tag}, not Health")
    top = _below(root, "GoalStateIncarnation Container")
    _is(top["GoalStateIncarnation"], WireServer.INCARNATION)
    container = _below(top["Container"], "ContainerId RoleInstanceList")
    _is(container["ContainerId"], WireServer.CONTAINER)
    role = _below(_below(container["RoleInstanceList"], "Role")["Role"], "InstanceId Health")
    _is(role["InstanceId"], WireServer.ROLE)
    return _read_state(_below(role["Health"], "State", "Details"))


def _read_state(health: dict[str, ET.Element]) -> Report:
    state = health["State"].text or ""
    if state not in ("Ready", "NotReady"):
        raise ValueError(f"State is {state!r}")
    if "Details" not in health:
        if state == "NotReady":
            raise ValueError("NotReady without Details")
        return Report(state)
    details = _below(health["Details"], "SubStatus Description")
    report = Report(state, details["SubStatus"].text or "", details["Description"].text or "")
    if len(report.description) > WireServer.DESCRIPTION:
        raise ValueError(f"a Description of {len(report.description)} characters, more than {WireServer.DESCRIPTION}")
    if state == "NotReady" and not report.substatus:
        raise ValueError("NotReady without a SubStatus")
    return report


# --- OpenStack

OPENSTACK_VERSIONS = ("2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06", "2017-02-22", "2018-08-27", "latest")


class OpenStack(Service):
    """Nova's metadata service; the paths of EC2 are there too, with an instance id of another form."""

    UUID = "83679162-1378-4288-a2d4-70e13ec132aa"

    def __init__(self, user_data: bytes | None, faults: Faults = Faults()) -> None:
        super().__init__(faults)
        meta = {"uuid": self.UUID, "name": "machine", "hostname": "machine.novalocal", "availability_zone": "nova",
                "launch_index": 0, "public_keys": {}, "project_id": "p", "devices": []}
        version: Tree = {"meta_data.json": json.dumps(meta), "vendor_data.json": "{}",
                         "network_data.json": json.dumps({"links": [], "networks": [], "services": []})}
        ec2: Tree = {"meta-data": {"instance-id": "i-00000001", "hostname": "machine.novalocal", "local-ipv4": "10.0.0.5"}}
        if user_data is not None:
            version["user_data"] = ec2["user-data"] = user_data
        self.openstack, self.ec2 = version, ec2

    def answer(self, request: Request) -> Reply:
        if request.method not in ("GET", "HEAD"):
            return Reply(405)
        first, _, path = request.path.strip("/").partition("/")
        if first != "openstack":
            return self._ec2(first, path)
        version, _, path = path.partition("/")
        if not version:
            return Reply(body="\n".join(OPENSTACK_VERSIONS).encode())
        if version not in OPENSTACK_VERSIONS:
            return NOT_FOUND
        reply = _listing(self.openstack, path)
        return replace(reply, content_type="application/json") if path.endswith(".json") else reply

    def _ec2(self, version: str, path: str) -> Reply:
        return _listing(self.ec2, path) if version in ("latest", "2009-04-04") else NOT_FOUND
