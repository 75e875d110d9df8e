"""From acceptance to payment: what operators put into counter-payment, as paper and files tell it."""
