"""How archives are searched by SQL: tables over what lies in them, the usual questions, and two dialects of one text."""
