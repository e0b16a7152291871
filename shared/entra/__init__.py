"""Who calls: the access tokens of servers and operators, and the tenant's keys that prove them."""
