"""Every kind of `kabanero.io/v1alpha1`, once: validation, schemas and the reference docs come from here."""
