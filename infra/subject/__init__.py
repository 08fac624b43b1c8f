"""What the records say of one person: found, handed over encrypted, erased where that can be done."""
