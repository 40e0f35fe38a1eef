"""x"""

SETTING = "CALLVAULT_FAULTS_MUTANT"


def install(name: str) -> None: ...
