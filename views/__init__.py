"""What people look at: profiles and maps."""
