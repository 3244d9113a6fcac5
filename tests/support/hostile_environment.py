"""An environment as clusters, launchers and other people's programs leave it."""

HOSTILE = {
    # torchrun, MPI, SLURM: two processes, of which one is here
    "WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "9",
    "OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0", "PMI_SIZE": "2", "MV2_COMM_WORLD_SIZE": "2",
    "SLURM_NTASKS": "2", "SLURM_PROCID": "0", "TORCHELASTIC_RUN_ID": "1", "KUBERNETES_SERVICE_HOST": "10.0.0.1",
    # accelerate's launcher
    "ACCELERATE_MIXED_PRECISION": "bf16", "ACCELERATE_DYNAMO_BACKEND": "INDUCTOR", "ACCELERATE_USE_CPU": "false",
    "ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_USE_FSDP": "true", "ACCELERATE_USE_MEGATRON_LM": "true",
    "ACCELERATE_USE_PARALLELISM_CONFIG": "true", "PARALLELISM_CONFIG_TP_SIZE": "2", "FSDP_VERSION": "2",
    "ACCELERATE_TORCH_DEVICE": "meta", "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "4",
    # reports, compilers, other frameworks
    "WANDB_MODE": "online", "TORCH_LOGS": "+dynamo", "USE_TORCH": "0", "TRANSFORMERS_VERBOSITY": "nonsense",
    "XLA_USE_BF16": "1", "PJRT_DEVICE": "TPU", "BNB_CUDA_VERSION": "999", "ETH_HASH_BACKEND": "pysha3",
    "PROMETHEUS_MULTIPROC_DIR": "/nowhere",
    # arithmetic, read by libraries in C
    "ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "ONEDNN_DEFAULT_FPMATH_MODE": "BF16",
    "OMP_NUM_THREADS": "2", "OPENBLAS_CORETYPE": "Prescott", "NVIDIA_TF32_OVERRIDE": "1",
    "CUBLAS_WORKSPACE_CONFIG": ":0:0", "CUDA_LAUNCH_BLOCKING": "1",
}
