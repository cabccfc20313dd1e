"""Virtual machines for tools/demo and the tests in tests/vm: disks, machines, and what a guest reports."""
