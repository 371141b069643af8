"use strict";

// Functions that build elements. Text is inserted as text, never as HTML.

const Dom = (() => {
  /**
   * @param {string} tag
   * @param {Record<string, string>} [attributes]
   * @param {(Node | string)[]} [children]
   */
  function make(tag, attributes = {}, children = []) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  /**
   * @template {HTMLElement} T
   * @param {string} id
   * @param {new () => T} type
   * @returns {T}
   */
  function byId(id, type) {
    const element = document.getElementById(id);
    if (!(element instanceof type)) throw new Error(`The page has no ${id}.`);
    return element;
  }

  /**
   * @param {ParentNode} root
   * @param {string} selector
   * @returns {HTMLElement}
   */
  function find(root, selector) {
    const element = root.querySelector(selector);
    if (!(element instanceof HTMLElement)) throw new Error(`The page has no ${selector}.`);
    return element;
  }

  /**
   * Place an element inside its parent.
   * @param {HTMLElement} element
   * @param {number} left
   * @param {number} top
   * @param {number} width
   * @param {number} height
   * @param {"px" | "%"} unit
   */
  function place(element, left, top, width, height, unit) {
    element.style.left = `${left}${unit}`;
    element.style.top = `${top}${unit}`;
    element.style.width = `${width}${unit}`;
    element.style.height = `${height}${unit}`;
  }

  /**
   * @param {ParentNode} root
   * @param {string} selector
   * @returns {Element}
   */
  function any(root, selector) {
    const element = root.querySelector(selector);
    if (!element) throw new Error(`The page has no ${selector}.`);
    return element;
  }

  return { any, make, byId, find, place };
})();
