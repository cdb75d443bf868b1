"""What others wrote - settings, headers, rows, stored records - read within bounds."""
