// What a cached page cannot know: how old it is, and what this visitor has in the cart.
const age = document.getElementById('age');
const seconds = Math.round(Date.now() / 1000) - Number(age.dataset.made);
if (seconds > 1) {
    age.textContent = `From the cache: PHP made this page ${seconds} seconds ago.`;
    age.className = 'cached';
} else {
    age.textContent = 'Fresh: PHP made this page just now. Reload it.';
}

const base = document.currentScript.dataset.base;
fetch(`${base}/customer/section/load/?sections=cart,customer`, { credentials: 'same-origin' })
    .then((answer) => answer.json())
    .then(({ cart, customer }) => {
        const name = customer.fullname ?? 'guest';
        document.getElementById('cart').textContent = `${name} · ${cart.summary_count} in the cart`;
    });
