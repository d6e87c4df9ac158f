"""What a person allowed an application: one row for each scope, remembered until withdrawn."""
