"""A site of a federation: QLoRA training, attestation, verification, payout."""
