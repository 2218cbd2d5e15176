//! What the simulated shop sells: products with a price, how long one lasts, and a season.

/// One product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Product {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) category: &'static str,
    /// In cents.
    pub(super) price: i64,
    /// How many days one piece lasts a household.
    pub(super) lasts_days: f64,
    /// The first and the last month in which it sells, both included; it may pass the turn of the year.
    pub(super) season: Option<(i8, i8)>,
}

impl Product {
    /// Whether it sells in this month, 1..=12.
    pub(super) fn sells_in(&self, month: i8) -> bool {
        match self.season {
            None => true,
            Some((first, last)) if first <= last => (first..=last).contains(&month),
            Some((first, last)) => month >= first || month <= last,
        }
    }
}

const fn product(
    id: &'static str,
    name: &'static str,
    category: &'static str,
    price: i64,
    lasts_days: f64,
) -> Product {
    Product { id, name, category, price, lasts_days, season: None }
}

const fn seasonal(of: Product, first: i8, last: i8) -> Product {
    Product { season: Some((first, last)), ..of }
}

/// The whole assortment, the best sellers first.
pub(super) const ASSORTMENT: &[Product] = &[
    product("coffee-1kg", "House coffee beans, 1 kg", "coffee", 1_890, 14.0),
    product("milk-6", "Oat milk, 6 x 1 l", "dairy", 1_194, 7.0),
    product("bread-rye", "Rye bread", "bakery", 420, 5.0),
    product("eggs-10", "Free-range eggs, 10", "dairy", 389, 8.0),
    product("pasta-500", "Pasta, 500 g", "pantry", 199, 10.0),
    product("tomatoes-can", "Peeled tomatoes, 3 cans", "pantry", 357, 14.0),
    product("olive-oil", "Olive oil, 750 ml", "pantry", 1_099, 40.0),
    product("rice-2kg", "Basmati rice, 2 kg", "pantry", 749, 35.0),
    product("tea-green", "Green tea, 100 g", "tea", 690, 28.0),
    product("tea-black", "Assam tea, 250 g", "tea", 890, 35.0),
    product("espresso-500", "Espresso beans, 500 g", "coffee", 1_250, 12.0),
    product("filter-100", "Coffee filters, 100", "coffee", 349, 60.0),
    product("cat-food", "Cat food, 24 pouches", "pets", 1_499, 12.0),
    product("dog-food", "Dog food, 12 kg", "pets", 4_890, 30.0),
    product("cat-litter", "Cat litter, 10 l", "pets", 899, 14.0),
    product("diapers-4", "Diapers, size 4, 84", "baby", 2_699, 14.0),
    product("wipes-12", "Baby wipes, 12 packs", "baby", 1_499, 30.0),
    product("formula-800", "Infant formula, 800 g", "baby", 1_799, 8.0),
    product("detergent", "Detergent, 40 washes", "household", 1_299, 40.0),
    product("dish-tabs", "Dishwasher tablets, 60", "household", 1_199, 45.0),
    product("paper-16", "Toilet paper, 16 rolls", "household", 899, 28.0),
    product("soap-refill", "Hand soap refill, 1 l", "household", 499, 50.0),
    product("shampoo", "Shampoo, 400 ml", "care", 699, 42.0),
    product("toothpaste", "Toothpaste, 2 x 75 ml", "care", 459, 50.0),
    product("razor-8", "Razor blades, 8", "care", 1_999, 70.0),
    product("vitamins", "Vitamin D, 90 tablets", "care", 990, 90.0),
    product("muesli", "Fruit muesli, 750 g", "pantry", 549, 14.0),
    product("honey", "Forest honey, 500 g", "pantry", 849, 45.0),
    product("cheese", "Mountain cheese, 400 g", "dairy", 899, 9.0),
    product("yoghurt-4", "Yoghurt, 4 x 150 g", "dairy", 299, 5.0),
    product("wine-red", "Red wine, 6 bottles", "drinks", 4_740, 30.0),
    product("wine-white", "White wine, 6 bottles", "drinks", 4_440, 35.0),
    product("water-12", "Mineral water, 12 x 1 l", "drinks", 899, 7.0),
    product("juice-apple", "Apple juice, 6 x 1 l", "drinks", 1_140, 14.0),
    product("beer-20", "Lager, 20 x 0.5 l", "drinks", 1_799, 14.0),
    product("chocolate", "Dark chocolate, 5 bars", "sweets", 995, 16.0),
    product("biscuits", "Butter biscuits, 3 packs", "sweets", 597, 18.0),
    product("nuts", "Mixed nuts, 1 kg", "sweets", 1_590, 25.0),
    product("batteries", "AA batteries, 16", "household", 1_149, 120.0),
    product("light-bulb", "LED bulb, 3", "household", 1_290, 200.0),
    seasonal(product("sunscreen", "Sunscreen SPF 50, 200 ml", "care", 1_390, 40.0), 5, 8),
    seasonal(product("charcoal", "Charcoal, 5 kg", "garden", 990, 25.0), 4, 9),
    seasonal(product("ice-pops", "Ice pops, 20", "sweets", 599, 10.0), 5, 9),
    seasonal(product("candles", "Beeswax candles, 12", "home", 1_690, 30.0), 10, 2),
    seasonal(product("stollen", "Almond stollen, 1 kg", "bakery", 1_590, 20.0), 11, 12),
    seasonal(product("firewood", "Firewood, 25 kg", "garden", 1_190, 14.0), 10, 3),
    product("pan-28", "Frying pan, 28 cm", "home", 4_990, 900.0),
    product("towels-4", "Bath towels, 4", "home", 5_990, 700.0),
    product("kettle", "Kettle, 1.7 l", "home", 3_990, 1_200.0),
    product("coffee-machine", "Espresso machine", "coffee", 44_900, 2_000.0),
];
