"""Tests of the room `simulate.house.command_line`."""
