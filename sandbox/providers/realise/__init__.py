"""How types live in moto, one module per service: the calls the real provider would make to AWS."""
