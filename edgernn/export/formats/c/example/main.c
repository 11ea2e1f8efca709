@standard_input
