"""cloud-init's own data sources, asked for what they find: prints it as JSON. Of the machine only DMI is made up.

usage: cloud_init.py ec2|gce|openstack|azure-imds|azure-ready|azure-failed FOLDER"""

import json
import sys

from cloudinit import dmi, distros, helpers
from cloudinit.sources import DataSourceAzure, DataSourceEc2, DataSourceGCE, DataSourceOpenStack
from cloudinit.sources.helpers import azure

WIRE_SERVER = "168.63.129.16"
EC2_UUID = "ec2e1916-9099-7caf-fd21-012345abcdef"
DMI = {
    "ec2": {"system-uuid": EC2_UUID, "system-serial-number": EC2_UUID},
    "gce": {"system-product-name": "Google Compute Engine"},
    "openstack": {"system-product-name": "OpenStack Nova"},
}
SOURCES = {"ec2": DataSourceEc2.DataSourceEc2, "gce": DataSourceGCE.DataSourceGCE, "openstack": DataSourceOpenStack.DataSourceOpenStack}
# Later versions ask the second one by themselves.
OPENSTACK_URLS = ["http://169.254.169.254", "http://[fe80::a9fe:a9fe%cloud0]"]
PATIENCE = {"timeout": 3, "max_wait": 6, "retries": 1}


def find(name: str, folder: str) -> dict[str, object]:
    dmi.read_dmi_data = lambda key: DMI[name].get(key)
    settings = {"datasource": {"Ec2": PATIENCE, "GCE": PATIENCE, "OpenStack": PATIENCE | {"metadata_urls": OPENSTACK_URLS}}, "datasource_list": []}
    paths = helpers.Paths({"cloud_dir": folder, "run_dir": folder})
    source = SOURCES[name](settings, distros.fetch("debian")("debian", settings, paths), paths)
    if not source._get_data():
        return {"found": False}
    data = source.userdata_raw
    return {"found": True, "instance": source.get_instance_id(), "user_data": data.decode() if isinstance(data, bytes) else data}


def azure_says(name: str) -> dict[str, object]:
    if name == "azure-imds":
        return DataSourceAzure.get_metadata_from_imds(retries=3, api_version="2021-08-01", exc_cb=lambda *_: True)
    if name == "azure-ready":
        azure.get_metadata_from_fabric(WIRE_SERVER)
    else:
        azure.report_failure_to_fabric(WIRE_SERVER, description="no <config> & no hope " + "x" * 600)
    return {}


print(json.dumps(azure_says(sys.argv[1]) if sys.argv[1].startswith("azure") else find(*sys.argv[1:3])))
