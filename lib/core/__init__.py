"""What is true: jobs, transitions, models, the request, the frames, the errors. No I/O."""
