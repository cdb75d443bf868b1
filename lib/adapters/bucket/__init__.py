"""The bucket: conditional calls, what they raise, and uploads in constant memory."""
