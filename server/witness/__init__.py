"""What others confirm about a log: witnesses cosign its checkpoints (C2SP tlog-witness), authorities timestamp them."""
