"""The figures of an "Online Retail" file by another route than the product's: csv and decimal of the standard
library. Prints one JSON object: customer to [purchases, returns, orders, total in millionths]."""
import csv
import gzip
import json
import sys
from decimal import Decimal

NO_PRODUCT = set("POST,D,DOT,M,m,BANK CHARGES,CRUK,C2,PADS,AMAZONFEE,S,B,C3,SP1002,CARRIAGE,ADJUST".split(","))


def is_product(code):
    return (code not in NO_PRODUCT and not code.startswith(("gift_", "DCGS"))
            and any(letter in "0123456789" for letter in code))


customers = {}
with gzip.open(sys.argv[1], "rt", encoding="utf-8", newline="") as lines:
    for row in csv.DictReader(lines):
        customer = row["CustomerID"].strip().removesuffix(".0")
        price, quantity = Decimal(row["UnitPrice"]), Decimal(row["Quantity"])
        if not customer or not is_product(row["StockCode"]) or price <= 0:
            continue
        is_cancellation = row["InvoiceNo"].startswith("C")
        if is_cancellation != (quantity < 0) or quantity == 0:
            continue
        figures = customers.setdefault(customer, [0, 0, set(), Decimal(0)])
        figures[is_cancellation] += 1
        figures[3] += price * quantity
        if not is_cancellation:
            figures[2].add(row["InvoiceNo"])
json.dump({name: [a, b, len(orders), int(total * 1_000_000)] for name, (a, b, orders, total) in customers.items()},
          sys.stdout)
