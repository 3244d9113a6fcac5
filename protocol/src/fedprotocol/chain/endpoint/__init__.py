"""RPC endpoints: requests over HTTP, and what the answers and errors mean."""
