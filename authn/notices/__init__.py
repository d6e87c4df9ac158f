"""What a person is told by mail, in their language, at addresses that they have confirmed."""
