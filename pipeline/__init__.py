"""What is done: from a request to a plan, from a plan to tasks, from tasks to a frame."""
