"""What else of Azure the app needs: Storage, Key Vault, managed identity."""
