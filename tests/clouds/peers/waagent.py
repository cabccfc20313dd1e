"""Azure's own agent against WireServer: versions, goal state, and the report given. usage: waagent.py FOLDER STATE SUBSTATUS DESCRIPTION"""

import json
import sys

from azurelinuxagent.common import conf
from azurelinuxagent.common.protocol import wire

# The fast track is a second server, HostGAPlugin, which tells of extensions.
conf.__conf__.load(f"Lib.Dir={sys.argv[1]}\nDebug.EnableFastTrack=n\n")
client = wire.WireClient("168.63.129.16")
client.check_wire_protocol_version()
client.update_goal_state(force_update=True)
goal = client.get_goal_state()
client.report_health(*sys.argv[2:5])
print(json.dumps({"incarnation": goal.incarnation, "container": goal.container_id, "role": goal.role_instance_id,
                  "name": client.get_hosting_env().vm_name}))
