"""Where builders run. Each is a `concurrent.futures.Executor`, so others' engines fit in as well."""
