"""Where builders run: each a `concurrent.futures.Executor`, so others' engines fit in as well."""
