"""The deep ledger: claims on unlearning at matched forgetting, judged from rows alone, without torch."""
