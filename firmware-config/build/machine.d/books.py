"""Do the till, the journal and Klarna say the same, to the cent? It changes nothing and asks
nobody: it is handed all three."""

import collections


def compare(till, journal, ledger, requests, mistakes):
    """All that is wrong, one sentence each."""
    problems = [f"the simulator complains: {m['route']}: {m['text']}" for m in mistakes]
    rows = unique(journal, "reference", "the journal", problems)
    taken = unique(ledger, "payment_reference", "Klarna's ledger", problems)
    for sale in till.sales:
        row = rows.pop(sale.ref, None)
        transaction = taken.pop(row["payment_reference"], None) if row else None
        for problem in of_sale(sale, row, transaction):
            problems.append(f"{sale.ref} ({sale.kind}, the till was told {sale.told}): {problem}")
    problems += [f"the journal has {ref}, which no till has sold" for ref in rows]
    problems += [f"Klarna has {name}, which is in no journal" for name in taken]
    problems += open_requests(till, requests)
    return problems


def unique(entries, key, where, problems):
    names = collections.Counter(entry[key] for entry in entries)
    problems += [f"{where} has {name} {n} times" for name, n in names.items() if n > 1]
    return {entry[key]: entry for entry in entries}


def of_sale(sale, row, transaction):
    """What is wrong with one sale."""
    if row is None:
        if sale.told != "not_known":
            yield "the journal knows nothing of it"
        return
    if sale.told not in ("acknowledged", "not_paid", "voided"):
        yield "the till is still in doubt"
    if sale.payment_reference and sale.payment_reference != row["payment_reference"]:
        yield f"the till has {sale.payment_reference}, the journal {row['payment_reference']}"
    if row["queued"] or row["refused"]:
        yield f"{row['queued']} call(s) wait and {row['refused']} need a person"
    if minor(row["amount"]) != sale.amount:
        yield f"it is of {sale.amount}, in the journal of {minor(row['amount'])}"
    captured = sale.amount if sale.told == "acknowledged" else 0
    given = sorted(r.amount for r in sale.returned if r.told == "done" and r.op == "refund")
    undecided = [r.ref for r in sale.returned if r.told != "done"]
    if undecided:
        yield f"refunds without a good end: {', '.join(undecided)}"
    if (minor(row["captured"]), minor(row["refunded"])) != (captured, sum(given)):
        yield (
            f"captured and refunded are {captured} and {sum(given)} for the till, "
            f"{minor(row['captured'])} and {minor(row['refunded'])} in the journal"
        )
    yield from of_transaction(sale, transaction, captured, given)


def of_transaction(sale, transaction, captured, given):
    if transaction is None:
        if sale.told in ("acknowledged", "voided"):
            yield "Klarna has no transaction of it"
        return
    captures = [capture["amount"] for capture in transaction["captures"]]
    refunds = sorted(refund["amount"] for refund in transaction["refunds"])
    if transaction["authorized"] != sale.amount:
        yield f"Klarna has authorised {transaction['authorized']}"
    if captures != ([captured] if captured else []):
        yield f"Klarna has captured {captures}, the till expects {captured}"
    if refunds != given:
        yield f"Klarna has refunded {refunds}, the till expects {given}"
    if not captured and not transaction["voided"]:
        yield "Klarna still holds an authorisation"
    if captured and transaction["voided"]:
        yield "Klarna has voided what was captured"


def open_requests(till, requests):
    """A shopper who has agreed, and a terminal that neither confirms nor has said no."""
    told = {sale.ref: sale.told for sale in till.sales}
    for request in requests:
        ref, state = request["merchant_reference"], request["state"]
        word = told.get(ref, "nothing")
        if state == "PENDING_CONFIRMATION" and word != "not_paid":
            yield f"{ref}: the shopper has agreed, and the till was told {word}"
        if state == "AUTHORIZED" and word not in ("acknowledged", "voided", "not_paid"):
            yield f"{ref}: authorised, and the till was told {word}"


def minor(amount):
    """The journal's amount in minor units."""
    return amount["minor"]
