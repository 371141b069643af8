"""Records: what measuring gives and presenting needs. numpy arrays with named axes."""
