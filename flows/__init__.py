"""What runs and when: the only place with network, clock, disk orders and Prefect."""
