"""What the nets have to beat on the same split."""
