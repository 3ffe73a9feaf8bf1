"""Where code may run: what it may see and use, said by a policy and held by the kernel."""
