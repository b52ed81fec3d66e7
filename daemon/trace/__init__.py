"""What a machine's trace points become: lines, a file for Perfetto, operations with an end."""
