"""RPC endpoints: questions over HTTP, and what their answers and errors mean."""
