"""What is asked of a gateway, in the order in which it is asked."""

from scenarios.abort import abort
from scenarios.accounting import accounting, hidden_usage
from scenarios.ceiling import ceiling, ceiling_stream
from scenarios.crash import crash
from scenarios.refusal import refusal

SCENARIOS = (ceiling, ceiling_stream, abort, crash, accounting, refusal, hidden_usage)
