"""What a server does for a board whose power is cut again and again: order once more where nobody knows of an order."""

from tests.host.scripted import order

_ORDERS = 6


class OrdersAgain:
    """Stands before a Bench: a cut may have ended the session before the order was taken."""

    ordered = 1

    def satisfied(self, agent):
        """Order again where nobody knows of an order."""
        lost = agent.record.idle and not agent._meetings.active and not self.policies["bench"]._scripts
        if lost and not self.results and self.ordered < _ORDERS:
            self.ordered += 1
            self.policies["bench"]._scripts.append(order("dau"))
            self.notify()
        return super().satisfied(agent)
