"""From records to rows and statistics: pure functions, nothing is printed or drawn here."""
