"""Everything a person sees. Stands on `backends`; nothing below knows it."""
