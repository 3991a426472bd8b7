"""What the paper says: values, tables and sentences made from the results of the declared runs."""
