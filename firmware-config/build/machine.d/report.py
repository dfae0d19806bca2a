"""The figures of a run, as a table and in report.json. It judges nothing."""

import json

from lab import FOLDER, say


def report(lab, seed, options, took_s, problems):
    """The table, and the same in report.json."""
    sales, returns = lab.till.sales, lab.till.returns
    ledger = lab.klarna.ledger()
    ready = sorted(lab.run.ready_s) or [0.0]
    figures = {
        "seed": seed,
        "cuts": len(lab.run.cuts),
        "cuts at the planned moment": sum(1 for _, came in lab.run.cuts if came),
        "boots that reached the till": len(lab.run.ready_s),
        "power to first answer, median s": round(ready[len(ready) // 2], 1),
        "power to first answer, longest s": round(ready[-1], 1),
        "unflushed writes at the cuts": lab.drive.unflushed,
        "unflushed writes lost": lab.drive.lost,
        "unflushed writes torn": lab.drive.torn,
        "sales": len(sales),
        **{f"sales {word}": sum(1 for s in sales if s.told == word) for word in words(sales)},
        "refunds": len(returns),
        **{f"refunds {word}": sum(1 for r in returns if r.told == word) for word in words(returns)},
        "captured, till (cents)": sum(s.amount for s in sales if s.told == "acknowledged"),
        "captured, Klarna (cents)": sum(c["amount"] for t in ledger for c in t["captures"]),
        "refunded, till (cents)": sum(r.amount for r in returns if r.told == "done"),
        "refunded, Klarna (cents)": sum(r["amount"] for t in ledger for r in t["refunds"]),
        "volatile": options.volatile,
        "minutes": round(took_s / 60, 1),
        "problems": len(problems),
    }
    say("")
    for name, value in figures.items():
        say(f"  {name:<36} {value}")
    for problem in problems:
        say(f"! {problem}")
    say("the till, the journal and Klarna agree" if not problems else "THEY DO NOT AGREE")
    with open(f"{FOLDER}/report.json", "w", encoding="utf-8") as file:
        told = [vars(s) | {"returned": [r.ref for r in s.returned]} for s in sales]
        given = [vars(r) | {"sale": r.sale.ref} for r in returns]
        plan = [f"{cut}{'' if came else ' (cut anyway)'}" for cut, came in lab.run.cuts]
        everything = {"figures": figures, "problems": problems, "plan": plan}
        json.dump({**everything, "sales": told, "refunds": given}, file, indent=1)


def words(entries):
    return sorted({entry.told for entry in entries})
