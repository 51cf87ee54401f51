"""Events of access, which are put on record: who looked, when and at what."""
